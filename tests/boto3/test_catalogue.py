"""Foundation models, inference profiles, invocation logging."""

from stage import EMBEDDING, MODEL, REGION, Case


class Catalogue(Case):
    def test_foundation_models_are_listed_filtered_and_described(self):
        models = self.bedrock.list_foundation_models()["modelSummaries"]
        self.assertLessEqual({MODEL, EMBEDDING}, {model["modelId"] for model in models})
        vectors = self.bedrock.list_foundation_models(byOutputModality="EMBEDDING")
        for model in vectors["modelSummaries"]:
            self.assertIn("EMBEDDING", model["outputModalities"])
        amazon = self.bedrock.list_foundation_models(byProvider="amazon")["modelSummaries"]
        self.assertEqual({model["providerName"] for model in amazon}, {"Amazon"})
        arn = f"arn:aws:bedrock:{REGION}::foundation-model/{MODEL}"
        for identifier in (MODEL, arn):
            details = self.bedrock.get_foundation_model(modelIdentifier=identifier)["modelDetails"]
            self.assertEqual((details["modelId"], details["modelArn"]), (MODEL, arn))
        self.fails("ResourceNotFoundException", self.bedrock.get_foundation_model, status=404,
                   modelIdentifier="amazon.no-such-model")

    def test_inference_profiles_are_listed_page_by_page_and_described(self):
        profiles = self.pages(self.bedrock, "list_inference_profiles",
                              "inferenceProfileSummaries", PaginationConfig={"PageSize": 2})
        ids = [profile["inferenceProfileId"] for profile in profiles]
        self.assertGreater(len(ids), 2)
        self.assertEqual(len(ids), len(set(ids)))
        one = self.bedrock.get_inference_profile(inferenceProfileIdentifier=ids[0])
        self.assertEqual(one["inferenceProfileArn"], profiles[0]["inferenceProfileArn"])
        self.assertEqual(one["type"], "SYSTEM_DEFINED")
        own = self.bedrock.list_inference_profiles(typeEquals="APPLICATION")
        self.assertEqual(own["inferenceProfileSummaries"], [])
        self.fails("ResourceNotFoundException", self.bedrock.get_inference_profile, status=404,
                   inferenceProfileIdentifier="us.amazon.no-such-model")


class InvocationLogging(Case):
    def test_a_configuration_is_put_replaced_and_deleted(self):
        account = "200000000011"
        member = self.member("bedrock", account)
        elsewhere = self.member("bedrock", account, region="eu-west-1")
        get = member.get_model_invocation_logging_configuration
        put = member.put_model_invocation_logging_configuration
        self.assertNotIn("loggingConfig", get())
        first = {"s3Config": {"bucketName": "logs", "keyPrefix": "a"},
                 "textDataDeliveryEnabled": True}
        put(loggingConfig=first)
        self.assertEqual(get()["loggingConfig"], first)
        second = {"cloudWatchConfig": {
            "logGroupName": "/bedrock", "roleArn": f"arn:aws:iam::{account}:role/Logs",
            "largeDataDeliveryS3Config": {"bucketName": "large", "keyPrefix": "b"}},
            "textDataDeliveryEnabled": True, "imageDataDeliveryEnabled": False,
            "embeddingDataDeliveryEnabled": True, "videoDataDeliveryEnabled": False,
            "audioDataDeliveryEnabled": True}
        put(loggingConfig=second)
        self.assertEqual(get()["loggingConfig"], second)
        elsewhere_get = elsewhere.get_model_invocation_logging_configuration
        self.assertNotIn("loggingConfig", elsewhere_get(), "one for each Region")
        for _ in range(2):
            member.delete_model_invocation_logging_configuration()
            self.assertNotIn("loggingConfig", get(), "a deletion may be repeated")

    def test_destinations_of_another_account_or_region_are_refused(self):
        put = self.member("bedrock", "200000000011").put_model_invocation_logging_configuration
        for bucket in ("logs-200000000012", "logs-eu-west-1"):
            self.fails("ValidationException", put, status=400,
                       loggingConfig={"s3Config": {"bucketName": bucket}})
