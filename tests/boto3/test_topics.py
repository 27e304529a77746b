"""SNS, as far as alerts are published to a topic."""

from stage import Case

TOPIC = "arn:aws:sns:us-east-1:100000000001:alerts"


class Topics(Case):
    def test_what_is_published_arrives_and_only_at_a_topic_that_is_there(self):
        sns = self.simulator.client("sns", region="us-east-1")
        published = sns.publish(TopicArn=TOPIC, Subject="Bedrail", Message="one cell is unprotected")
        self.assertTrue(published["MessageId"])
        last = self.simulator.admin("world")["topics"][TOPIC][-1]
        self.assertEqual((last["subject"], last["message"]), ("Bedrail", "one cell is unprotected"))
        for topic, message, code in [
            (TOPIC + "-of-nobody", "text", "NotFound"),
            (TOPIC, "", "InvalidParameter"),
            (TOPIC.replace("us-east-1", "us-west-2"), "text", "InvalidParameter"),
        ]:
            self.fails(code, sns.publish, TopicArn=topic, Message=message)
